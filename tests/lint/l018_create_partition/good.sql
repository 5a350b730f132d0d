set lock_timeout = '3s';

create table events_2027 (like events including all);
alter table events_2027 enable row level security;
create policy nobody on events_2027 using (false);
alter table events_2027 add constraint in_2027 check (at >= '2027-01-01' and at < '2028-01-01');
alter table events attach partition events_2027 for values from ('2027-01-01') to ('2028-01-01');

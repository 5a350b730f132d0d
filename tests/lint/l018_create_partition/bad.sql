set lock_timeout = '3s';

create table events_2027 partition of events for values from ('2027-01-01') to ('2028-01-01');
alter table events_2027 enable row level security;
create policy nobody on events_2027 using (false);

set lock_timeout = '3s';

alter table orders add constraint positive check (total > 0) not valid;
create table drafts (n int);
alter table drafts enable row level security;
create policy nobody on drafts using (false);
alter table drafts add check (n > 0);

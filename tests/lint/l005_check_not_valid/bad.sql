set lock_timeout = '3s';

alter table orders add constraint positive check (total > 0);
alter table orders add column size int check (size > 0);

set lock_timeout = '3s';

alter table orders add column note text;
alter table orders add column kind text;

set lock_timeout = '3s';

begin;
alter table orders add column note text;

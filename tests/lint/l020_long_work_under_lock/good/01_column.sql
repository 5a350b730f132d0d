set lock_timeout = '3s';

alter table orders add column note text;
update orders set note = '' where id = 1;

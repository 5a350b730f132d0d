set lock_timeout = '3s';

alter table orders set (fillfactor = 80);
alter table orders alter column note set statistics 500;

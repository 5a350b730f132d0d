set lock_timeout = '3s';

alter table orders rename to purchases;
alter table shops set schema archive;

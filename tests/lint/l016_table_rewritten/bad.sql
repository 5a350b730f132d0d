set lock_timeout = '3s';

alter table orders set unlogged;
alter table orders set tablespace fast;

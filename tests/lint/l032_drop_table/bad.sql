set lock_timeout = '3s';

drop table if exists orders, archive.orders;

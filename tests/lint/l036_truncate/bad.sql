set lock_timeout = '3s';

truncate table orders, lines restart identity;

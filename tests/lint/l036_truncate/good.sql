set lock_timeout = '3s';

delete from lines where order_id = 1;

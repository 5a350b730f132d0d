set lock_timeout = '3s';

delete from orders where id = 1;
delete from lines using orders where lines.order_id = orders.id and orders.total = 0;

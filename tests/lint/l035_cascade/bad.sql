set lock_timeout = '3s';

drop view active_orders cascade;
alter table orders drop constraint orders_pkey cascade;
drop function total(int) cascade;

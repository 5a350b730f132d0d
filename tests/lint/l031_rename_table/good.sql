set lock_timeout = '3s';

alter table orders rename to purchases;
create view orders with (security_invoker = true) as select * from purchases;

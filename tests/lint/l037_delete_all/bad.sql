set lock_timeout = '3s';

delete from orders;
with gone as (select 1) delete from only lines returning id;

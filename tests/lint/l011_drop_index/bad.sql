set lock_timeout = '3s';

drop index orders_shop_idx;
drop index if exists a.one_idx, two_idx;

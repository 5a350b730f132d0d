-- specc: no-transaction
drop index concurrently orders_shop_idx;

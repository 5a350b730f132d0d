-- specc: no-transaction
drop index concurrently if exists orders_shop_idx;
create index concurrently orders_shop_idx on orders (shop_id);

-- specc: no-transaction
create index concurrently orders_shop_idx on orders (shop_id);
create index concurrently orders_kind_idx on orders (kind);
vacuum orders;

set lock_timeout = '3s';

create index orders_shop_idx on orders (shop_id);
create unique index on public.orders using btree (lower(code)) where code is not null;

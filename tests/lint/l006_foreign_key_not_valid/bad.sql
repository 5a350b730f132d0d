set lock_timeout = '3s';

alter table orders add constraint orders_shop_fkey foreign key (shop_id) references shops (id) on delete cascade;
alter table orders add column kind_id int default 1 references kinds on delete set null;

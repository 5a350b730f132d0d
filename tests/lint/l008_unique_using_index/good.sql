-- specc: no-transaction
set lock_timeout = '3s';

create unique index concurrently orders_code_key on orders (code);
alter table orders add constraint orders_code_key unique using index orders_code_key;

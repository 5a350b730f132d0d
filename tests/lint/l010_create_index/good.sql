-- specc: no-transaction
set lock_timeout = '3s';

create index concurrently orders_shop_idx on orders (shop_id);
create index readings_at_idx on only readings (at);
create table drafts (n int);
alter table drafts enable row level security;
create policy nobody on drafts using (false);
create index on drafts (n);

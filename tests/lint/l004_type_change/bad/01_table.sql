create table orders (
  id bigint primary key,
  code varchar(20),
  n integer,
  price numeric(10, 2),
  name text collate "C"
);
alter table orders enable row level security;
create policy nobody on orders using (false);

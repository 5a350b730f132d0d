create table orders (
  id bigint primary key,
  code character varying(20),
  label varchar(5),
  price decimal(10, 2),
  big numeric(10, 2),
  at timestamp(3) with time zone
);
alter table orders enable row level security;
create policy nobody on orders using (false);

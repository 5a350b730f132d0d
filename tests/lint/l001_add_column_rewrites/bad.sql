set lock_timeout = '3s';

create domain score as int check (value between 1 and 5);
alter table orders add column token uuid not null default gen_random_uuid();
alter table orders
  add column seen_at timestamptz default clock_timestamp(),
  add column seq bigserial;
alter table orders add column n bigint generated always as identity;
alter table orders add column total_text text generated always as (total::text) stored;
alter table orders add column rating score;

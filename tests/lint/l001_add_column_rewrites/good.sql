set lock_timeout = '3s';

alter table orders add column seen_at timestamptz not null default now();
alter table orders add column seen_utc timestamp default timezone('utc', now());
alter table orders add column kind text not null default 'plain'::varchar(10), add column tags text[] default array['a'];
alter table orders add column shout text generated always as (upper(kind)) virtual;
-- one that is made here has no rows
create table drafts (id bigint primary key);
alter table drafts enable row level security;
create policy nobody on drafts using (false);
alter table drafts add column token uuid default gen_random_uuid();

set lock_timeout = '3s';

\restrict abc
comment on table orders is 'what was bought';
create extension if not exists pg_trgm with schema extensions;
alter table orders add column note text;

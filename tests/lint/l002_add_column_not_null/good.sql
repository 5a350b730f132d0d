set lock_timeout = '3s';

alter table orders add column kind text not null default 'plain', add column note text;
alter table orders add column shout text not null generated always as (upper(kind)) virtual;

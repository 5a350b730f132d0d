set lock_timeout = '3s';

create schema private;
create table private.notes (
  id bigint generated always as identity primary key,
  owner_id uuid not null references private.people
);

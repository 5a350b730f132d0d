-- What only Postgres 18 has.

create extension btree_gist;
create table public.rooms (
  id int,
  during daterange,
  name text not null,
  shout text generated always as (upper(name)) virtual,
  note text,
  constraint rooms_pkey primary key (id, during without overlaps),
  constraint rooms_name_check check (name <> '') not enforced
);
create table public.uses (
  room int,
  during daterange,
  constraint uses_room_fkey foreign key (room, period during) references public.rooms (id, period during)
);
alter table public.rooms add constraint noted not null note not valid;
create publication computed for table public.rooms with (publish_generated_columns = stored);

set lock_timeout = '3s';

create type size as enum ('s', 'm');
alter type size add value 'l';
alter table people alter column size set default 'l';
alter type mood add value 'calm';
create function is_calm(m mood) returns boolean language plpgsql as $$ begin return m = 'calm'; end $$;

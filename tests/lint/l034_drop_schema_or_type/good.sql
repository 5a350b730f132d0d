set lock_timeout = '3s';

create type mood_new as enum ('calm');
drop type mood_new;

set lock_timeout = '3s';

alter domain email add constraint has_at check (value like '%@%');
alter domain email set not null;
alter domain email validate constraint has_dot;

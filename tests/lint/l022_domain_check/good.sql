set lock_timeout = '3s';

alter domain email add constraint has_at check (value like '%@%') not valid;
alter domain email set default 'a@b';

set lock_timeout = '3s';

alter table orders alter column kind set not null, alter column size set not null;
alter table orders alter column place set not null;
alter table orders drop constraint kind_given, drop constraint place_given;
-- known by now
alter table orders alter column kind set not null;
-- specc: allow L003 the table has twenty rows
alter table orders alter kind set not null, alter other set not null;

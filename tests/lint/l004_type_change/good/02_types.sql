set lock_timeout = '3s';

alter table orders
  alter column code type varchar(40),
  alter column label type text,
  alter column price type numeric(12, 2),
  alter big type numeric,
  alter at type timestamptz;

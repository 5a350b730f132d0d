set lock_timeout = '3s';

alter table orders alter column code type varchar(10);
alter table orders alter column n type bigint;
alter table orders alter column price set data type numeric(12, 4);
alter table orders alter column name type text collate "de-x-icu";
alter table elsewhere alter column at type timestamptz using at at time zone 'utc';

set lock_timeout = '3s';

alter type mood add value 'calm' after 'happy';
alter table people alter column mood set default 'calm';

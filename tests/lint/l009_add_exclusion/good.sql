set lock_timeout = '3s';

create table bookings (room int, during tstzrange);
alter table bookings enable row level security;
create policy nobody on bookings using (false);
alter table bookings add constraint no_overlap exclude using gist (room with =, during with &&);

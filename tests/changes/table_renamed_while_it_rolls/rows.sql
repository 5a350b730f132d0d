-- Two months that are archived, and one that is now.
insert into readings (at, value) values ('2024-06-10 00:00:00+00', 1), ('2024-07-10 00:00:00+00', 2), (now(), 3);
do $$ begin while private.roll_readings(now()) > 0 loop end loop; end $$;

set lock_timeout = '3s';

alter table events_2026 add constraint in_2026 check (at >= '2026-01-01' and at < '2027-01-01') not valid;

alter table events_2026 validate constraint in_2026;

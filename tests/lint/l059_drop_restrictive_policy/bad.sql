set lock_timeout = '3s';

create policy only_verified on notes as restrictive for all using ((select private.is_verified()));
drop policy only_verified on notes;

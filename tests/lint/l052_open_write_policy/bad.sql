set lock_timeout = '3s';

create policy anybody on notes using (true);
create policy writes on notes for insert to authenticated with check ((true));
create policy gives on notes for update using (owner_id = (select auth.uid())) with check (true);

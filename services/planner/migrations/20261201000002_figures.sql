-- How many outages of a month were temporary, and why each was not planned (domain.md 5.5 no. 30).
create index outage_by_switching on outage (switched_off_at, id) where switched_off_at is not null;

-- What was converted before is not looked at: its reason was asked for by the program.
alter table outage
    add constraint outage_temporary_reason check (class <> 'TEMPORARY' or btrim(coalesce(life -> 'class' ->> 'why', '')) <> '') not valid;

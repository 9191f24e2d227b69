-- Whoever comes to depend on life-support while they are off is called too: every confirmed set is looked up once, and again when
-- somebody has.
drop index incident_uncalled;
create index incident_uncalled on incident (id)
    where state = 'open' and confirmed_by is not null and affected_set_id is not null
        and affected_set_id is distinct from called_set_id;

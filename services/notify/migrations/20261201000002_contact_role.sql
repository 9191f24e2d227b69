-- Whose contact a message went to, so that the desk sees carers and property managers among those who were told (operations.md
-- O22). Of older messages that went beside a customer nobody noted which of both.
alter table message add column contact_role text not null default 'customer'
    constraint message_contact_role_word check (contact_role in ('customer', 'carer', 'property_manager', 'other'));
update message set contact_role = 'other' where beside;

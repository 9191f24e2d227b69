-- A notice to a hundred thousand writes every index of message as often. One person's messages are found by the contact,
-- which differs at once, instead of comparing purpose, subject and version first, which a whole notice shares; and whoever
-- shares a contact is found by it without reading the notice.
alter table message drop constraint message_once,
    add constraint message_once unique (recipient, channel, subject, purpose, version);
-- The key begins with the contact now, and message_about_outage and message_about_case with the outage and the case.
drop index message_recipient;
drop index message_outage;
drop index message_case;

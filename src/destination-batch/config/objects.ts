/** What the rows of a stream become: events of profiles, or attributes of profiles. `discover` lists these objects. */
export const DESTINATION_OBJECTS = ['profile_event', 'profile_attributes'] as const;

export type DestinationObject = (typeof DESTINATION_OBJECTS)[number];

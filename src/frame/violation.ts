/** Which rule of `docs/frame-protocol.md` a peer broke; the shared vectors name all but `socket`, which is no frame. */
export type FrameRule = 'type' | 'flags' | 'stream' | 'length' | 'state' | 'window' | 'text' | 'version' | 'socket';

/** The peer broke the protocol: its connection ends. `message` names the frame, the value and the limit. */
export class FrameViolation extends Error {
  readonly rule: FrameRule;

  constructor(rule: FrameRule, message: string) {
    super(message);
    this.name = 'FrameViolation';
    this.rule = rule;
  }
}

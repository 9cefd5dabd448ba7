/** Where the gateway listens, once it does. */
export interface Place {
  port: number;
}

export declare const picture: unknown
